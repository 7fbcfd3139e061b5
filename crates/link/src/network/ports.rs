//! Other orders and fewer ports.

use super::{Network, NetworkError};

/// The network with its ports in another order: port `k` of the result is port `order[k]` of the network, from 0.
///
/// # Errors
/// Where the order is not one of all ports.
pub fn renumber(network: &Network, order: &[usize]) -> Result<Network, NetworkError> {
    if order.len() != network.ports {
        let message = format!("an order of {} ports is not one of {}", order.len(), network.ports);
        return Err(NetworkError::Port(message));
    }
    sub_network(network, order)
}

/// Some ports of a network, in the order given, from 0; the others end in their reference impedances.
///
/// # Errors
/// Where a port is not there or stands twice.
pub fn sub_network(network: &Network, ports: &[usize]) -> Result<Network, NetworkError> {
    network.check()?;
    for (at, port) in ports.iter().enumerate() {
        if *port >= network.ports {
            return Err(NetworkError::Port(format!(
                "there is no port {}: the network has {}",
                port + 1,
                network.ports
            )));
        }
        if ports[..at].contains(port) {
            return Err(NetworkError::Port(format!("port {} stands twice", port + 1)));
        }
    }
    if ports.is_empty() {
        return Err(NetworkError::Port("no port is left".into()));
    }
    let mut s = Vec::with_capacity(network.points() * ports.len() * ports.len());
    for point in 0..network.points() {
        for row in ports {
            s.extend(ports.iter().map(|column| network.at(point, *row, *column)));
        }
    }
    let reference_ohm = ports.iter().map(|port| network.reference_ohm[*port]).collect();
    Ok(Network { ports: ports.len(), frequency_hz: network.frequency_hz.clone(), s, reference_ohm })
}

/// The network seen from its other end: the first half of its ports changes places with the second half.
///
/// # Errors
/// Where the number of ports is odd.
pub fn flip(network: &Network) -> Result<Network, NetworkError> {
    if !network.ports.is_multiple_of(2) {
        return Err(NetworkError::Port(format!("a network of {} ports has no two ends", network.ports)));
    }
    let half = network.ports / 2;
    let order: Vec<usize> = (half..network.ports).chain(0..half).collect();
    renumber(network, &order)
}
