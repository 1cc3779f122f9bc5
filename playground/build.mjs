// Build the playground: `node build.mjs FOLDER`. The folder can be served by any static server.
//
// It holds the page, its scripts in two bundles (the page's and the worker's), the files of Pyodide
// that the page loads, and this library as a zip with its byte code, which the CPython of Pyodide
// itself compiles: importing sources takes four times as long.
import { build } from "esbuild";
import { loadPyodide } from "pyodide";
import { cp, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const HERE = dirname(fileURLToPath(import.meta.url));
const ROOT = dirname(HERE);
const OUT = resolve(process.argv[2] ?? join(ROOT, "build", "playground"));
// Of Pyodide's package neither its lock file of 119 kB nor its console, types and maps are needed.
const PYODIDE = ["pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip"];
const SHIPPED = /\.(py|js|css|dat)$/;

await rm(OUT, { recursive: true, force: true });
await mkdir(join(OUT, "pyodide"), { recursive: true });
const examples = await readExamples();
const { archive, found: { first, learn, names } } = await compiled(await sources(), examples[0].program);
const lock = JSON.parse(await readFile(join(HERE, "node_modules", "pyodide", "pyodide-lock.json"), "utf8"));
const live = await readFile(join(ROOT, "scalargrad", "view", "live", "live.css"));
const bundles = [
  bundle({ main: "src/main.js" }, {
    define: { EXAMPLES: JSON.stringify(examples), NAMES: JSON.stringify(names) },
  }),
  bundle({ learn: "learn/learn.js" }, {}),
  bundle({ worker: "src/worker.js" }, {
    external: ["./pyodide/pyodide.mjs"],
    define: { LOCK: JSON.stringify({ info: lock.info, packages: {} }) },
  }),
];
await Promise.all([
  writeFile(join(OUT, "scalargrad.zip"), archive),
  writeFile(join(OUT, "first.json"), JSON.stringify(first)),
  writeFile(join(OUT, "learn.json"), JSON.stringify(learn)),
  writeFile(join(OUT, "live.css"), live),
  ...PYODIDE.map((name) => cp(join(HERE, "node_modules", "pyodide", name), join(OUT, "pyodide", name))),
  ...["src/style.css", "learn/learn.html", "learn/learn.css"].map((name) =>
    cp(join(HERE, name), join(OUT, basename(name)))),
  cp(join(ROOT, "LICENSE"), join(OUT, "LICENSE.txt")),
  Promise.all(bundles).then(async (packages) =>
    writeFile(join(OUT, "licences.txt"), await licences(["pyodide", ...packages.flat()]))),
]);
// Last: make takes it for the whole
await cp(join(HERE, "src", "index.html"), join(OUT, "index.html"));

/** One module for the browser from a module and what it imports; resolves with its licences. */
async function bundle(entryPoints, more) {
  const { metafile } = await build({
    entryPoints, outdir: OUT, absWorkingDir: HERE, bundle: true, minify: true, format: "esm",
    target: ["chrome109", "firefox115", "safari16.4"], legalComments: "none", logLevel: "warning",
    metafile: true, ...more,
  });
  const packages = Object.keys(metafile.inputs).map((path) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1]);
  return packages.filter(Boolean);
}

/** The licences of what npm installed and the folder holds, as their authors want them to go along. */
async function licences(packages) {
  const texts = await Promise.all([...new Set(packages)].sort().map(async (name) => {
    const folder = join(HERE, "node_modules", name);
    const { version, license, homepage, repository } = JSON.parse(await readFile(join(folder, "package.json"), "utf8"));
    const text = await readFile(join(folder, "LICENSE"), "utf8").catch(() => "");
    const source = homepage ?? repository?.url ?? repository ?? "";
    return `${name} ${version}\nLicence: ${license}. Source: ${source}\n\n${text.trim()}`;
  }));
  const python = "Pyodide holds CPython, whose licence is at https://docs.python.org/3/license.html";
  return `${[python, ...texts].join(`\n\n${"-".repeat(80)}\n\n`)}\n`;
}

/** The examples in the order of their file names: the first line is a comment, the title. */
async function readExamples() {
  const folder = join(HERE, "examples");
  const names = (await readdir(folder)).filter((name) => name.endsWith(".py")).sort();
  return Promise.all(names.map(async (name) => {
    const text = await readFile(join(folder, name), "utf8");
    const [title] = text.split("\n", 1);
    return { name: name.replace(/^\d+_|\.py$/g, ""), title: title.slice(2), program: text };
  }));
}

/** The files of the package and the module of the playground, by their path in the zip. */
async function sources() {
  const names = await readdir(join(ROOT, "scalargrad"), { recursive: true });
  const wanted = names.filter((name) => SHIPPED.test(name)).sort();
  const files = await Promise.all(wanted.map(async (name) =>
    [`scalargrad/${name}`, await readFile(join(ROOT, "scalargrad", name))]));
  const hosts = ["playground_host.py", "learn_host.py"].map(async (name) =>
    [name, await readFile(join(HERE, name))]);
  return [...files, ...(await Promise.all(hosts))];
}

/** The zip of these files, with the byte code of those that the page needs, and the first answer. */
async function compiled(files, program) {
  const python = await loadPyodide();
  for (const [path, bytes] of files) {
    python.FS.mkdirTree(`/package/${dirname(path)}`);
    python.FS.writeFile(`/package/${path}`, bytes);
  }
  python.globals.set("program", program);
  const found = JSON.parse(python.runPython(await readFile(join(HERE, "pack.py"), "utf8")));
  return { archive: python.FS.readFile("/scalargrad.zip"), found };
}
