// Writes the bundle, its licences and its hash into the Python package.
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { build } from "esbuild";

const OUT = new URL("../src/shadow_mw/report/static/", import.meta.url);
const read = path => readFileSync(new URL(`node_modules/${path}`, import.meta.url), "utf8").trim();
const version = name => JSON.parse(read(`${name}/package.json`)).version;

const PARTS = [
  ["echarts", "Apache ECharts", "Apache-2.0", ["LICENSE", "NOTICE"]],
  ["zrender", "ZRender", "BSD-3-Clause", ["LICENSE"]],
  ["tslib", "tslib", "0BSD", ["LICENSE.txt"]],
];
const names = PARTS.map(([name, title, licence]) => `${title} ${version(name)} (${licence})`);
// A report file goes to people without the package: what the licences want said goes with it.
const banner = `/*! ${names.join(", ")}; a custom build.
${read("echarts/NOTICE")}
Apache-2.0: https://www.apache.org/licenses/LICENSE-2.0

${read("zrender/LICENSE")} */`;

const made = await build({
  entryPoints: [new URL("entry.js", import.meta.url).pathname],
  bundle: true,
  write: false,
  minify: true,
  format: "iife",
  target: "es2020",
  charset: "ascii",
  legalComments: "none",
  define: { "process.env.NODE_ENV": '"production"' },
  banner: { js: banner },
});
const bundle = made.outputFiles[0].text;
// Inside of an HTML file a script ends at its end tag, wherever that stands.
if (/<\/script|<!--/i.test(bundle)) throw new Error("the bundle cannot be embedded as it is");
const licences = PARTS.flatMap(([name, , , files], i) =>
  files.map(file => `${names[i]}: ${file}\n\n${read(`${name}/${file}`)}\n`));
writeFileSync(new URL("echarts.js", OUT), bundle);
writeFileSync(new URL("echarts.LICENSES.txt", OUT), licences.join(`\n${"=".repeat(78)}\n\n`));
const hash = createHash("sha256").update(bundle).digest("hex");
writeFileSync(new URL("echarts.js.sha256", OUT), `${hash}  echarts.js\n`);
console.log(`${bundle.length.toLocaleString("en")} bytes, sha256 ${hash}`);
