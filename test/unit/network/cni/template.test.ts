import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { LichenError } from "../../../../src/errors.ts";
import { renderTemplate } from "../../../../src/network/cni/template.ts";

const values = {
  PodCIDR: "10.1.0.0/24",
  PodCIDRRanges: ["10.1.0.0/24", "fd00:1::/64"],
  Routes: ["0.0.0.0/0", "::/0"],
};
const render = (text: string, more: Partial<typeof values> = {}) =>
  renderTemplate(text, { ...values, ...more }, "net.template");

describe("templates of network files", () => {
  test("the template of containerd's documentation", () => {
    const text = `{
      "name": "containerd-net", "cniVersion": "1.0.0",
      "plugins": [{ "type": "bridge", "ipam": { "type": "host-local",
        "ranges": [{{range $i, $range := .PodCIDRRanges}}{{if $i}}, {{end}}[{"subnet": "{{$range}}"}]{{end}}],
        "routes": [{{range $i, $route := .Routes}}{{if $i}}, {{end}}{"dst": "{{$route}}"}{{end}}] } }] }`;
    const { ipam } = JSON.parse(render(text)).plugins[0];
    assert.deepEqual(ipam.ranges, [[{ subnet: "10.1.0.0/24" }], [{ subnet: "fd00:1::/64" }]]);
    assert.deepEqual(ipam.routes, [{ dst: "0.0.0.0/0" }, { dst: "::/0" }]);
  });

  test("a plain member, white space in and around the braces", () => {
    assert.equal(render('"{{.PodCIDR}}" {{ .PodCIDR }}'), '"10.1.0.0/24" 10.1.0.0/24');
    assert.equal(render("a {{- .PodCIDR -}} b"), "a10.1.0.0/24b");
  });

  test("if and else, also on lists and within lists", () => {
    const text = "{{if .Routes}}routes{{else}}none{{end}}";
    assert.equal(render(text), "routes");
    assert.equal(render(text, { Routes: [] }), "none");
    assert.equal(
      render("{{range $x := .Routes}}{{if $x}}<{{$x}}>{{else}}never{{end}}{{end}}"),
      "<0.0.0.0/0><::/0>",
    );
  });

  test("a list without items leaves nothing of its body, nested or not", () => {
    const text =
      "[{{range $i, $x := .Routes}}{{if $i}},{{else}}first{{end}}{{range $y := .PodCIDRRanges}}{{$y}}{{end}}{{end}}]";
    assert.equal(render(text, { Routes: [] }), "[]");
  });

  for (const [text, reason] of [
    ["{{.Gateway}}", /Gateway.*not understood/],
    ["{{$x}}", /not understood/],
    ["{{.Routes}}", /is a list/],
    ["{{range $x := .PodCIDR}}{{end}}", /no list/],
    ["{{range $x := .Routes}}", /\{\{end\}\} is missing/],
    ["{{if .PodCIDR}}{{else}}", /\{\{end\}\} is missing/],
    ["{{end}}", /belongs to nothing/],
    ["{{printf .PodCIDR}}", /not understood/],
  ] as const) {
    test(`refuses ${text}`, () => {
      assert.throws(
        () => render(text),
        (error) =>
          error instanceof LichenError && error.code === "INVALID_ARGUMENT" && reason.test(error.message),
      );
    });
  }
});
