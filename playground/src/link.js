// A program in the fragment of an address, which browsers send to no server.

const MOST = 200_000; // characters of a program; whatever a link unpacks to, it is no more

/** The fragment for a program: its text, or where that is shorter the text deflated. */
export async function fragmentOf(program) {
  const bytes = new TextEncoder().encode(program);
  const packed = await through(bytes, new CompressionStream("deflate-raw"));
  const [plain, short] = [`#p=${encode(bytes)}`, `#z=${encode(packed)}`];
  return short.length < plain.length ? short : plain;
}

/** The program in a fragment; null if there is none; an Error says what is wrong with it. */
export async function programIn(fragment) {
  const found = /^#([pz])=([\w-]*)$/.exec(fragment);
  if (!found) return null;
  try {
    const bytes = decode(found[2]);
    const text = found[1] === "p" ? bytes : await through(bytes, new DecompressionStream("deflate-raw"));
    return new TextDecoder("utf-8", { fatal: true }).decode(text);
  } catch {
    throw new Error("the link is damaged: there is no whole program in it");
  }
}

async function through(bytes, stream) {
  const reader = new Blob([bytes]).stream().pipeThrough(stream).getReader();
  const parts = [];
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    length += value.length;
    if (length > MOST) {
      await reader.cancel();
      throw new Error("too long");
    }
    parts.push(value);
  }
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}

// Base64 in the alphabet for addresses
function encode(bytes) {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function decode(text) {
  const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}
