//! Routes of every shape: they arrive, by shortest ways, and no buffers can wait for each other in a circle.

use std::collections::HashMap;

use proptest::prelude::*;

use super::*;
use crate::network::dragonfly::Dragonfly;
use crate::network::fat_tree::FatTree;
use crate::network::full_mesh::FullMesh;
use crate::network::leaf_spine::LeafSpine;
use crate::network::rail::{Rail, RailLinks};
use crate::network::scale_up::ScaleUp;
use crate::network::torus::Torus;
use crate::network::{LinkLayer, Links};
use crate::time::{Rate, Time};

fn links(layer: LinkLayer) -> Links {
    Links { rate: Rate::gbps(100.0).expect("positive"), delay: Time::us(1), switch_latency: Time::ZERO, layer }
}

/// Least and most hops over all choices, and every lane stays below what is promised.
fn hops(network: &Network, routes: &Routes, from: NodeId, to: EndpointId) -> (usize, usize) {
    let mut known = HashMap::new();
    walk(network, routes, from, to, &mut known, 0)
}

fn walk(
    network: &Network,
    routes: &Routes,
    from: NodeId,
    to: EndpointId,
    known: &mut HashMap<NodeId, (usize, usize)>,
    depth: usize,
) -> (usize, usize) {
    assert!(depth < 64, "a way goes in circles");
    if network.node_of(to) == from {
        return (0, 0);
    }
    if let Some(known) = known.get(&from) {
        return *known;
    }
    let choices = routes.choices(network, from, to);
    assert!(!choices.is_empty(), "{} does not lead to {}", network.name(from), to.0);
    let mut both = (usize::MAX, 0);
    for edge in choices {
        assert_eq!(network.edge(*edge).from, from);
        let (least, most) = walk(network, routes, network.edge(*edge).to, to, known, depth + 1);
        both = (both.0.min(least + 1), both.1.max(most + 1));
    }
    known.insert(from, both);
    both
}

/// Every circle of (edge, lane) in which a packet on one may ask for the next, or none.
fn locks_up(network: &Network, routes: &Routes) -> bool {
    let lanes = usize::from(routes.lanes(network, false));
    let mut asks: HashMap<(EdgeId, u8), Vec<(EdgeId, u8)>> = HashMap::new();
    for to in (0..network.endpoints.len() as u32).map(EndpointId) {
        let mut open: Vec<(EdgeId, u8)> = Vec::new();
        let mut seen = std::collections::HashSet::new();
        for from in &network.endpoints {
            for edge in routes.choices(network, *from, to) {
                open.push((*edge, routes.lane(network, *from, None, *edge)));
            }
        }
        while let Some((edge, lane)) = open.pop() {
            if !seen.insert((edge, lane)) {
                continue;
            }
            assert!(usize::from(lane) < lanes, "lane {lane} of {lanes}");
            let node = network.edge(edge).to;
            for next in routes.choices(network, node, to) {
                let following = (*next, routes.lane(network, node, Some((edge, lane)), *next));
                asks.entry((edge, lane)).or_default().push(following);
                open.push(following);
            }
        }
    }
    // A depth-first search that meets an open node again has found a circle.
    let mut state: HashMap<(EdgeId, u8), bool> = HashMap::new();
    for start in asks.keys() {
        let mut stack = vec![(*start, 0)];
        while let Some((at, next)) = stack.pop() {
            if next == 0 {
                match state.get(&at) {
                    Some(true) => continue,
                    _ => state.insert(at, false),
                };
            }
            match asks.get(&at).and_then(|list| list.get(next)) {
                Some(follower) => {
                    stack.push((at, next + 1));
                    match state.get(follower) {
                        Some(false) => return true,
                        Some(true) => {}
                        None => stack.push((*follower, 0)),
                    }
                }
                None => {
                    state.insert(at, true);
                }
            }
        }
    }
    false
}

fn irregular(network: &Network) -> Network {
    Network { shape: Shape::Irregular, ..network.clone() }
}

/// Every pair's hops in closed form and by tables.
fn agree(network: &Network) {
    let (closed, table) = (Routes::new(network).expect("connected"), irregular(network));
    let tables = Routes::new(&table).expect("connected");
    assert_eq!(closed.bytes().min(tables.bytes()), closed.bytes());
    for from in &network.endpoints {
        for to in (0..network.endpoints.len() as u32).map(EndpointId) {
            let (least, most) = hops(network, &closed, *from, to);
            assert_eq!(least, most, "ways of unequal length");
            assert_eq!(hops(&table, &tables, *from, to), (least, most), "{} to {}", from.0, to.0);
        }
    }
}

fn rail() -> Network {
    let rail = Rail::two_tiers(8, 4, 4, 4).expect("it fits");
    rail.build(&RailLinks {
        scale_up: links(LinkLayer::NvLink),
        host: links(LinkLayer::PcieFlit),
        scale_out: [links(LinkLayer::Ethernet); 3],
    })
}

#[test]
fn closed_forms_are_what_a_search_finds() {
    let ethernet = links(LinkLayer::Ethernet);
    for (endpoints, tiers) in [(4, 1), (32, 2), (16, 3), (54, 3)] {
        agree(&FatTree::balanced(endpoints, tiers).expect("a balanced size").build(&ethernet));
    }
    agree(&FatTree::of_radix(21, 3, 6).expect("partial").build(&ethernet));
    let bundled = FatTree { up_from_leaf: 4, leaf_bundle: 2, up_from_middle: 4, middle_bundle: 2, ..half_tree() };
    bundled.check().expect("it fits");
    agree(&bundled.build(&ethernet));
    let leaves = LeafSpine { leaves: 3, per_leaf: 4, spines: 2, per_pair: 3 };
    agree(&leaves.build(&ethernet, &ethernet).expect("it fits"));
    agree(&FullMesh { endpoints: 5, per_pair: 2 }.build(&links(LinkLayer::NvLink)));
    agree(&ScaleUp { endpoints: 6, switches: 3, per_pair: 2 }.build(&links(LinkLayer::UaLink)));
    agree(&rail());
    for torus in [Torus::rings([4, 3, 2]), Torus::mesh([3, 3, 2]), Torus::rings([5, 1, 1]), Torus::rings([6, 4, 1])] {
        agree(&torus.build(&links(LinkLayer::NvLink), Rate::gbps(600.0).expect("positive")));
    }
}

fn half_tree() -> FatTree {
    FatTree::balanced(54, 3).expect("k = 6")
}

#[test]
fn both_directions_of_a_fat_tree_are_all_used() {
    let network = FatTree::balanced(16, 3).expect("k = 4").build(&links(LinkLayer::Ethernet));
    let routes = Routes::new(&network).expect("connected");
    // Two ways up at the leaf, two more at the middle.
    assert_eq!(routes.choices(&network, NodeId(16), EndpointId(15)).len(), 2);
    assert_eq!(routes.choices(&network, NodeId(24), EndpointId(15)).len(), 2);
    assert_eq!(routes.choices(&network, NodeId(24), EndpointId(2)).len(), 1);
}

#[test]
fn dragonflies_go_local_global_local() {
    let ethernet = links(LinkLayer::Ethernet);
    for dragonfly in [
        Dragonfly::balanced(2).expect("small"),
        Dragonfly { per_router: 2, routers: 4, global: 2, groups: 5 },
        Dragonfly { per_router: 1, routers: 3, global: 2, groups: 2 },
    ] {
        let network = dragonfly.build(&ethernet, &ethernet, &ethernet);
        let routes = Routes::new(&network).expect("connected");
        let per_group = dragonfly.per_router * dragonfly.routers;
        for from in &network.endpoints {
            for to in (0..network.endpoints.len() as u32).map(EndpointId) {
                let (_, most) = hops(&network, &routes, *from, to);
                // Host links, at most one local link at each end and one global link.
                let bound = if from.0 / per_group == to.0 / per_group { 3 } else { 5 };
                assert!(most <= bound, "{most} hops");
            }
        }
        assert!(!locks_up(&network, &routes));
    }
}

#[test]
fn detours_go_by_a_third_group() {
    let dragonfly = Dragonfly::balanced(2).expect("small");
    let ethernet = links(LinkLayer::Ethernet);
    let network = dragonfly.build(&ethernet, &ethernet, &ethernet);
    let routes = Routes::new(&network).expect("connected");
    let mut met = std::collections::BTreeSet::new();
    for entropy in 0..200 {
        let by = routes.detour(&network, EndpointId(9), EndpointId(70), entropy).expect("another group");
        met.insert(by.0 / 8);
    }
    assert_eq!(met.into_iter().collect::<Vec<_>>(), [0, 2, 3, 4, 5, 6, 7]);
    assert_eq!(routes.detour(&network, EndpointId(9), EndpointId(10), 1), None);
    assert_eq!(routes.lanes(&network, true), 3);
}

#[test]
fn no_shape_locks_up() {
    let nvlink = links(LinkLayer::NvLink);
    let injection = Rate::gbps(600.0).expect("positive");
    for torus in [
        Torus::rings([4, 4, 4]),
        Torus::rings([5, 3, 1]),
        Torus::mesh([4, 4, 1]),
        Torus { size: [4, 2, 3], wrapped: [true, true, false] },
    ] {
        let network = torus.build(&nvlink, injection);
        let routes = Routes::new(&network).expect("connected");
        assert!(!locks_up(&network, &routes), "{torus:?}");
    }
    let network = rail();
    assert!(!locks_up(&network, &Routes::new(&network).expect("connected")));
    let network = FatTree::balanced(16, 3).expect("k = 4").build(&nvlink);
    assert!(!locks_up(&network, &Routes::new(&network).expect("connected")));
    // One lane is enough there, by tables too.
    let tables = Routes::new(&irregular(&network)).expect("connected");
    assert_eq!(tables.lanes(&network, false), 1);
    // A ring by tables counts hops instead of passing a dateline.
    let ring = irregular(&Torus::rings([6, 1, 1]).build(&nvlink, injection));
    let routes = Routes::new(&ring).expect("connected");
    assert!(routes.lanes(&ring, false) >= 4);
    assert!(!locks_up(&ring, &routes));
}

#[test]
fn a_ring_with_one_lane_would_lock_up() {
    // The check above can fail: the same ring without lanes has a circle.
    let ring = Torus::rings([6, 1, 1]).build(&links(LinkLayer::NvLink), Rate::gbps(600.0).expect("positive"));
    let routes = Routes::new(&ring).expect("connected");
    let mut asks = 0;
    for router in 6..12 {
        let to = EndpointId((router - 6 + 2) % 6);
        let [first] = routes.choices(&ring, NodeId(router), to) else { panic!("two steps have one way") };
        let next = routes.choices(&ring, ring.edge(*first).to, to);
        asks += usize::from(ring.edge(next[0]).to.0 == (router - 6 + 2) % 6 + 6);
    }
    assert_eq!(asks, 6, "every link of the ring waits for the next");
}

#[test]
fn scale_up_links_come_before_the_network() {
    let network = rail();
    let routes = Routes::new(&network).expect("connected");
    let via = |from: u32, to: u32| network.edge(routes.choices(&network, NodeId(from), EndpointId(to))[0]).layer;
    assert_eq!((via(0, 3), via(0, 4)), (LinkLayer::NvLink, LinkLayer::PcieFlit));
    let tables = irregular(&network);
    let routes = Routes::new(&tables).expect("connected");
    let by = routes.choices(&tables, NodeId(0), EndpointId(3));
    assert_eq!(by.iter().map(|edge| tables.edge(*edge).layer).collect::<Vec<_>>(), [LinkLayer::NvLink]);
}

#[test]
fn dead_edges_are_avoided() {
    let network = FatTree::balanced(16, 3).expect("k = 4").build(&links(LinkLayer::Ethernet));
    let healthy = Routes::new(&network).expect("connected");
    // The link of the first leaf to its first middle.
    let dead = healthy.choices(&network, NodeId(16), EndpointId(15))[0];
    let routes = Routes::without(&network, &[dead, dead.reverse()]).expect("small");
    for from in &network.endpoints {
        for to in (0..16).map(EndpointId) {
            let (least, most) = hops(&network, &routes, *from, to);
            assert_eq!((least, most), hops(&network, &healthy, *from, to));
        }
    }
    let used = |from: u32, to: u32| routes.choices(&network, NodeId(from), EndpointId(to)).to_vec();
    assert_eq!(used(16, 15).len(), 1);
    assert!(!used(16, 15).contains(&dead));
    // The other leaf of the pod avoids the middle that cannot come down any more.
    assert_eq!(used(17, 0).len(), 1);
    // Without its only link an endpoint is out of reach, from both sides.
    let cut = network.out(NodeId(0))[0];
    let routes = Routes::without(&network, &[cut, cut.reverse()]).expect("small");
    assert!(!routes.reaches(&network, EndpointId(0), EndpointId(1)));
    assert!(!routes.reaches(&network, EndpointId(5), EndpointId(0)));
    assert!(routes.reaches(&network, EndpointId(5), EndpointId(1)));
}

#[test]
fn what_is_apart_is_said() {
    let mut builder = crate::network::Builder::default();
    let node = |kind, tier| crate::network::Node { kind, tier, group: 0, latency: Time::ZERO };
    for _ in 0..2 {
        let host = builder.node(node(crate::network::NodeKind::Endpoint, 0));
        let switch = builder.node(node(crate::network::NodeKind::Switch, 1));
        let domain = builder.domain("alone");
        builder.link(links(LinkLayer::Ethernet).edge(host.0, switch.0, domain));
    }
    let network = builder.build(Shape::Irregular);
    assert_eq!(Routes::new(&network).err(), Some(RouteError::Unreachable(EndpointId(0), EndpointId(1))));
    let routes = Routes::partial(&network).expect("small");
    assert!(!routes.reaches(&network, EndpointId(0), EndpointId(1)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn tables_survive_any_dead_edges(dead in proptest::collection::vec(0u32..96, 0..20), torus in any::<bool>()) {
        let network = if torus {
            Torus::rings([4, 3, 1]).build(&links(LinkLayer::NvLink), Rate::gbps(600.0).expect("positive"))
        } else {
            FatTree::balanced(16, 3).expect("k = 4").build(&links(LinkLayer::Ethernet))
        };
        let dead: Vec<EdgeId> =
            dead.into_iter().filter(|edge| (*edge as usize) < network.edges.len()).map(EdgeId).collect();
        let routes = Routes::without(&network, &dead).expect("small");
        for from in (0..network.endpoints.len() as u32).map(EndpointId) {
            for to in (0..network.endpoints.len() as u32).map(EndpointId) {
                if from != to && routes.reaches(&network, from, to) {
                    // No way leads over a dead edge, and all arrive.
                    let mut at = network.node_of(from);
                    while at != network.node_of(to) {
                        let edge = routes.choices(&network, at, to)[0];
                        prop_assert!(torus && dead.is_empty() || !dead.contains(&edge));
                        at = network.edge(edge).to;
                    }
                }
            }
        }
        prop_assert!(!locks_up(&network, &routes));
    }
}
