//! Routes of full meshes and of switched scale-up domains in closed form: one edge, or one switch, lies between any two.

use crate::network::full_mesh::FullMesh;
use crate::network::scale_up::ScaleUp;
use crate::network::{EdgeId, EndpointId, Network, NodeId};

/// See [`super::Routes::choices`].
pub fn full_mesh<'a>(mesh: &FullMesh, network: &'a Network, node: NodeId, to: EndpointId) -> &'a [EdgeId] {
    if node.0 == to.0 {
        return &[];
    }
    let place = (if to.0 < node.0 { to.0 } else { to.0 - 1 }) as usize * mesh.per_pair as usize;
    network.out(node).get(place..place + mesh.per_pair as usize).unwrap_or(&[])
}

/// See [`super::Routes::choices`].
pub fn scale_up<'a>(domain: &ScaleUp, network: &'a Network, node: NodeId, to: EndpointId) -> &'a [EdgeId] {
    let out = network.out(node);
    if node.0 == to.0 {
        &[]
    } else if node.0 < domain.endpoints {
        out
    } else {
        let place = to.0 as usize * domain.per_pair as usize;
        out.get(place..place + domain.per_pair as usize).unwrap_or(&[])
    }
}
