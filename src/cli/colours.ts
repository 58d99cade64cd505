import pc from "picocolors";

/** Colours for a person's terminal, none in a pipe, whatever runs there (NO_COLOR and FORCE_COLOR are honoured). */
const { NO_COLOR, FORCE_COLOR } = process.env;
export const colours = pc.createColors(!NO_COLOR && (Boolean(FORCE_COLOR) || process.stdout.isTTY === true));
