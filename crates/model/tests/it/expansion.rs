//! Sound systems: counts, names, cables.

use lanewright_model::system::{DeviceId, LinkSetId, PortId};

use crate::fixture::{BASE, load, sound};

#[test]
fn devices_ports_and_names() {
    let system = sound(BASE);
    assert_eq!(system.racks.len(), 2);
    // Four servers with two ports, and a switch whose 16 ports are split in two.
    assert_eq!(system.devices.len(), 5);
    assert_eq!(system.port_count, 4 * 2 + 32);
    assert_eq!(system.device_name(DeviceId(3)), "server[3]");
    assert_eq!(system.racks[system.devices[3].rack.expect("placed").index()].name, "r[1]");
    assert_eq!(system.devices[3].unit, 3);
    assert_eq!(system.device_name(DeviceId(4)), "switch");
    assert_eq!(system.port_name(PortId(8 + 31)), "switch.port[31]");
}

#[test]
fn assemblies_share_their_inside() {
    let system = sound(
        r#"
[system]
name = "x"
[[part]]
id = "my/tray"
kind = "assembly"
name = "Tray"
  [[part.device]]
  id = "gpu"
  part = "test/gpu"
  count = 4
  [[part.link]]
  id = "mesh"
  from = "gpu[*].link[0-2]"
  pattern = "full-mesh"
  protocol = "ethernet/400gbase-r4"
  medium = "pcb"
  length_m = 0.2
  domain = "scale-up"
  [[part.export]]
  id = "out"
  ports = "gpu[*].link[3-5]"
[[part]]
id = "my/box"
kind = "assembly"
name = "Box"
  [[part.device]]
  id = "tray"
  part = "my/tray"
  count = 2
  [[part.export]]
  id = "out"
  ports = "tray[*].out[*]"
[[device]]
id = "box"
part = "my/box"
count = 3
[[device]]
id = "lone"
part = "my/tray"
[[link]]
id = "ring"
from = "box[0].out[0-11], box[1].out[0-11], box[2].out[0-11]"
to = "box[1].out[12-23], box[2].out[12-23], box[0].out[12-23]"
protocol = "ethernet/400gbase-r4"
length_m = 1
domain = "scale-up"
"#,
    );
    // Boxes, trays in boxes, GPUs in those; a lone tray with its GPUs.
    assert_eq!(system.devices.len(), 3 + 6 + 24 + 1 + 4);
    let names: Vec<&str> = system.link_sets.iter().map(|s| s.name.as_str()).collect();
    assert_eq!(names, ["box.tray.mesh", "lone.mesh", "ring"]);
    assert_eq!(system.links_of(LinkSetId(0)).len(), 6 * 6);
    assert_eq!(system.links_of(LinkSetId(1)).len(), 6);
    assert_eq!(system.links_of(LinkSetId(2)).len(), 36);
    let link = system.links_of(LinkSetId(2))[0];
    assert_eq!(system.port_name(link.a), "box[0].tray[0].gpu[0].link[3]");
    assert_eq!(system.port_name(link.b), "box[1].tray[1].gpu[0].link[3]");
    assert_eq!(system.domains.len(), 1);
    assert_eq!(system.rate(LinkSetId(0)).0, 400.0);
}

#[test]
fn cables_with_several_plugs() {
    let link = |cable: &str, to: &str| {
        format!(
            "{BASE}\n[[link]]\nid = \"a\"\nfrom = \"server[0-1].nic[0]\"\nto = \"{to}\"\nprotocol = \"ethernet/400gbase-r4\"\ncable = \"{cable}\""
        )
    };
    // Ports 0 and 1 of the split switch share a cage: one Y cable; straight cables need one each.
    assert_eq!(sound(&link("y", "switch.port[0-1]")).link_sets[0].cables, 1);
    assert_eq!(sound(&link("straight", "switch.port[0-1]")).link_sets[0].cables, 2);
    assert_eq!(sound(&link("y", "switch.port[0,2]")).link_sets[0].cables, 2);
    // Four servers on one cage each, but the cable starts in two cages: one splitter per cage.
    let four = format!(
        "{BASE}\n[[link]]\nid = \"a\"\nfrom = \"server[*].nic[0]\"\nto = \"switch.port[0-3]\"\nprotocol = \"ethernet/400gbase-r4\"\ncable = \"x\""
    );
    assert_eq!(sound(&four).link_sets[0].cables, 2);
    let wrong = format!(
        "{BASE}\n[[part]]\nid = \"my/wide\"\nkind = \"switch\"\nname = \"W\"\n[[part.port]]\nid = \"port\"\ncount = 4\nlanes = 4\nprotocols = [\"ethernet/*\"]\ncage = \"osfp\"\nports_per_cage = 4\n[[device]]\nid = \"w\"\npart = \"my/wide\"\nrack = \"r[0]\"\n[[link]]\nid = \"a\"\nfrom = \"server[*].nic[0]\"\nto = \"w.port[*]\"\nprotocol = \"ethernet/400gbase-r4\"\ncable = \"y\""
    );
    let (_, problems) = load(&wrong);
    assert!(problems.iter().any(|p| p.contains("cable-shape")), "{problems:#?}");
    assert_eq!(sound(&wrong.replace("cable = \"y\"", "cable = \"splitter\"")).link_sets[0].cables, 1);
}

#[test]
fn one_port_of_a_group_can_be_split() {
    let text =
        "[system]\nname = \"x\"\n[[device]]\nid = \"s\"\npart = \"test/switch\"\nsplit = { \"port[1,3]\" = \"4+2+2\" }";
    let system = sound(text);
    assert_eq!(system.port_count, 14 + 2 * 3);
    let lanes: Vec<u32> = (0..6).map(|p| system.shape(PortId(p)).lanes).collect();
    assert_eq!(lanes, [8, 4, 2, 2, 8, 4]);
}
