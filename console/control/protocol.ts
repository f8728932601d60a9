/**
 * The control protocol. A connection carries one request; whoever asked hangs up to cancel it.
 *
 *     asker:   {"heddle":1,"token":"…","store":"/srv/data","ask":"history","args":{"address":"order/42"}}
 *              and "by":"ada", who asks, as he says
 *     asker:   {"piece":"…"}        where it has said "pieces":n instead of "args": n of them, together the JSON of the arguments
 *     daemon:  {"row":{…}}          as many as there are, each when the one before it was taken
 *     daemon:  {"end":true}         or {"trouble":{"name":…,"code":…,"message":…}}
 *
 * Each line is JSON, ended by a newline (`lines.ts`).
 */

/** Both sides must speak the same. */
export const PROTOCOL = 1;

/** What a request may be long: an event that is sent stands in it. */
export const MAX_REQUEST_BYTES: number = 4 << 20;

/** What a piece of something long has, in characters: as JSON it takes up to three bytes for each, and fits into a line. */
export const PIECE_CHARS: number = 1 << 20;

/** What arguments in pieces may be long together, in characters: an exported history stands in them. */
export const MAX_ARGS_CHARS: number = 256 << 20;

/** What a row may be long. */
export const MAX_ROW_BYTES: number = 64 << 20;

/** How long somebody who has connected may take to say what he wants. */
export const PATIENCE_MS = 5000;

/** How many may ask at once. */
export const MAX_CONNECTIONS = 64;
