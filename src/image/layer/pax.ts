import { type Extract, extract } from "tar-stream";

/**
 * A tar reader whose names, link targets and PAX values are byte strings (one character a byte): file names need not be
 * UTF-8, and extended attributes such as security.capability are binary.
 *
 * tar-stream decodes ustar and GNU names as it is told, but PAX records always as UTF-8, which destroys other bytes; its
 * reader of PAX headers is therefore replaced on the instance. A unit test notices if its internals change.
 */
export function byteExtract(): Extract {
  // Its types do not know this documented option.
  const options: object = { filenameEncoding: "latin1" };
  const reader = extract(options) as Extract & PaxInternals;
  const original = reader._decodeLongHeader;
  reader._decodeLongHeader = function decode(data: Uint8Array): void {
    if (this._header.type === "pax-header") this._pax = { ...this._paxGlobal, ...decodePax(data) };
    else if (this._header.type === "pax-global-header") this._paxGlobal = decodePax(data);
    else original.call(this, data);
  };
  return reader;
}

interface PaxInternals {
  _header: { type: string };
  _pax: Record<string, string> | null;
  _paxGlobal: Record<string, string> | null;
  _decodeLongHeader(data: Uint8Array): void;
}

/**
 * The records of a PAX extended header, each `<length> <key>=<value>\n` (POSIX pax, "pax Extended Header").
 * Throws for anything else: a record misread would be an entry under another name.
 */
export function decodePax(data: Uint8Array): Record<string, string> {
  const records: Record<string, string> = Object.create(null);
  const text = Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("latin1");
  for (let at = 0; at < text.length; ) {
    const space = text.indexOf(" ", at);
    const digits = text.slice(at, space);
    const end = at + Number(digits);
    const equals = text.indexOf("=", space);
    if (
      space < 0 ||
      !/^[1-9]\d*$/.test(digits) ||
      end > text.length ||
      equals < 0 ||
      equals >= end ||
      text[end - 1] !== "\n"
    )
      throw new Error("malformed PAX header");
    records[text.slice(space + 1, equals)] = text.slice(equals + 1, end - 1);
    at = end;
  }
  return records;
}
