import { LichenError } from "../../errors.ts";

/** What a template may ask for, by the names that containerd's `conf_template` knows. */
export interface TemplateValues {
  PodCIDR: string;
  PodCIDRRanges: readonly string[];
  Routes: readonly string[];
}

type Scope = Readonly<Record<string, string | number | readonly string[]>>;

/**
 * Fills in a template of a network's file in the part of Go's text/template that such files use: `{{.Name}}`, `{{$variable}}`,
 * `{{range $i, $x := .List}}…{{end}}`, `{{if …}}…{{else}}…{{end}}`, with `{{-` and `-}}` taking white space away. INVALID_ARGUMENT
 * for anything else: a template half understood would make a network that nobody meant.
 */
export function renderTemplate(text: string, values: TemplateValues, file: string): string {
  const parts = text
    .replace(/\s*\{\{-\s/g, "{{")
    .replace(/\s-\}\}\s*/g, "}}")
    .split(/\{\{(.*?)\}\}/s);
  const reader = new TemplateReader(parts, file);
  const scope: Record<string, string | readonly string[]> = {};
  for (const [name, value] of Object.entries(values)) scope[`.${name}`] = value;
  const rendered = reader.render(scope, true);
  if (!reader.finished) throw reader.refuse("an {{end}} or {{else}} belongs to nothing");
  return rendered;
}

/** Text and actions in turn: even places are text, odd ones are what stood between the braces. */
class TemplateReader {
  readonly #parts: readonly string[];
  readonly #file: string;
  #at = 0;

  constructor(parts: readonly string[], file: string) {
    this.#parts = parts;
    this.#file = file;
  }

  get finished(): boolean {
    return this.#at >= this.#parts.length;
  }

  /** Up to the end or the next {{else}} or {{end}}, which is left standing; nothing is evaluated when it is not `live`. */
  render(scope: Scope, live: boolean): string {
    let out = "";
    while (!this.finished) {
      const part = (this.#parts[this.#at] ?? "").trim();
      if (this.#at % 2 === 0) out += this.#parts[this.#at++];
      else if (part === "end" || part === "else") return out;
      else {
        this.#at++;
        out += this.#action(part, scope, live);
      }
    }
    return live ? out : "";
  }

  #action(action: string, scope: Scope, live: boolean): string {
    const range = /^range\s+(?:(\$\w+)\s*,\s*)?(\$\w+)\s*:=\s*(\S+)$/.exec(action);
    if (range !== null) return this.#range(range[1], range[2] ?? "", range[3] ?? "", scope, live);
    const condition = /^if\s+(\S+)$/.exec(action)?.[1];
    if (condition !== undefined) return this.#if(condition, scope, live);
    if (!live) return "";
    const value = this.#value(action, scope);
    if (typeof value === "object") throw this.refuse(`{{${action}}} is a list: use range`);
    return String(value);
  }

  #range(index: string | undefined, item: string, list: string, scope: Scope, live: boolean): string {
    const items = live ? this.#value(list, scope) : [];
    if (typeof items !== "object") throw this.refuse(`range over ${list}, which is no list`);
    const start = this.#at;
    let out = "";
    for (const [i, value] of items.entries()) {
      this.#at = start;
      out += this.render({ ...scope, [item]: value, ...(index === undefined ? {} : { [index]: i }) }, true);
    }
    if (items.length === 0) this.render(scope, false);
    this.#expect("end");
    return out;
  }

  #if(condition: string, scope: Scope, live: boolean): string {
    const value = live ? this.#value(condition, scope) : "";
    const holds = typeof value === "object" ? value.length > 0 : value !== "" && value !== 0;
    const then = this.render(scope, live && holds);
    let otherwise = "";
    if (this.#parts[this.#at]?.trim() === "else") {
      this.#at++;
      otherwise = this.render(scope, live && !holds);
    }
    this.#expect("end");
    return holds ? then : otherwise;
  }

  #value(name: string, scope: Scope): string | number | readonly string[] {
    const value = scope[name];
    if (value !== undefined) return value;
    throw this.refuse(`{{${name}}} is not understood; known are ${Object.keys(scope).join(", ")}`);
  }

  #expect(word: string): void {
    if (this.#parts[this.#at]?.trim() !== word) throw this.refuse(`a {{${word}}} is missing`);
    this.#at++;
  }

  refuse(reason: string): LichenError {
    return new LichenError({
      code: "INVALID_ARGUMENT",
      operation: "fill in CNI template",
      object: this.#file,
      reason,
      hint: "use {{.PodCIDR}}, {{range $i, $range := .PodCIDRRanges}}…{{end}}, {{range $i, $route := .Routes}}…{{end}}, {{if $i}}…{{end}}",
    });
  }
}
