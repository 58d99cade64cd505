import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { type DriverUnderTest, driverSuite } from "./driver-suite.ts";

const directory = mkdtempSync(join(tmpdir(), "lichen-cni-"));
after(() => rmSync(directory, { recursive: true, force: true }));

/** Where distributions put CNI's plugins. */
const pluginDirectory = ["/usr/lib/cni", "/opt/cni/bin"].find((folder) => existsSync(join(folder, "bridge")));

/** CNI's own bridge and host-local plugins, with files where this test sees them. */
function cniDriver(): DriverUnderTest {
  const networks = join(directory, "net.d");
  const leases = join(directory, "leases");
  mkdirSync(networks);
  const ipam = {
    type: "host-local",
    ranges: [[{ subnet: "10.213.0.0/24" }]],
    routes: [{ dst: "0.0.0.0/0" }],
    dataDir: leases,
  };
  const bridge = { type: "bridge", bridge: "cni-test0", isGateway: true, hairpinMode: true, ipam };
  const list = { cniVersion: "1.0.0", name: "tested", plugins: [bridge, { type: "tuning" }] };
  writeFileSync(join(networks, "10-tested.conflist"), JSON.stringify(list));
  return {
    name: "cni",
    config: `[network]\ndriver = "cni"\ncni_config_directories = ["${networks}"]\n`,
    addresses: /^10\.213\.0\.\d+$/,
    held: () => {
      const places = [join(leases, "tested")].filter(existsSync);
      // The other files are the range's last address and the lock.
      return places.flatMap((place) => readdirSync(place).filter((name) => /^\d/.test(name)));
    },
    skip: pluginDirectory ? false : "no CNI plugins (package containernetworking-plugins)",
  };
}

driverSuite({ name: "bridge", config: "", addresses: /^10\.\d+\.\d+\.\d+$/ });
driverSuite(cniDriver());
driverSuite({ name: "host", config: "", addresses: undefined, nodeNetwork: true });
driverSuite({ name: "none", config: '[network]\ndriver = "none"\n', addresses: undefined });
