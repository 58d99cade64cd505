import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { quoteWord, serviceUnit, systemdRelease } from "../../../src/cli/unit.ts";

const unit = (systemd: number, ...lichen: string[]) => serviceUnit({ lichen, options: [], systemd });

describe("the systemd unit", () => {
  it("leaves containers alone when it stops, and starts with the session", () => {
    const text = unit(257, "/opt/lichen/dist/lichen");
    assert.match(text, /^ExecStart=\/opt\/lichen\/dist\/lichen serve$/m);
    assert.match(text, /^KillMode=process$/m);
    assert.match(text, /^WantedBy=default\.target$/m);
  });

  it("is delegated with a leaf for the launcher, where systemd knows that, and else not at all", () => {
    assert.match(unit(254, "lichen"), /^Delegate=yes\nDelegateSubgroup=launcher$/m);
    for (const release of [0, 249, 252]) assert.doesNotMatch(unit(release, "lichen"), /Delegate/);
  });

  it("passes on where things are", () => {
    const text = serviceUnit({
      lichen: ["/a b/lichen", "--runtime-dir", "/run/x"],
      options: ["--data-dir", "/data/100%"],
      systemd: 257,
    });
    assert.match(text, /^ExecStart="\/a b\/lichen" --runtime-dir \/run\/x serve --data-dir \/data\/100%%$/m);
  });

  it("quotes words as systemd reads them", () => {
    assert.equal(quoteWord("plain/word-1.2"), "plain/word-1.2");
    assert.equal(quoteWord("$HOME"), "$$HOME");
    assert.equal(quoteWord('a "b" \\c'), '"a \\"b\\" \\\\c"');
    assert.equal(quoteWord(""), '""');
  });

  it("follows the release that systemctl prints", () => {
    assert.equal(systemdRelease("systemd 257 (257.13-1~deb13u1)\n+PAM"), 257);
    assert.equal(systemdRelease(""), 0);
  });
});
