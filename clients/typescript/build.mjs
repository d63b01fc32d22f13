// Compile src into dist/esm and dist/cjs. The same sources are ES modules or CommonJS by the nearest package.json's type.
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";

const tsc = createRequire(import.meta.url).resolve("typescript/bin/tsc");
rmSync("dist", { recursive: true, force: true });
execFileSync(process.execPath, [tsc], { stdio: "inherit" });

const commonjs = "build/cjs";
rmSync("build", { recursive: true, force: true });
mkdirSync(commonjs, { recursive: true });
cpSync("src", `${commonjs}/src`, { recursive: true });
writeFileSync(`${commonjs}/package.json`, '{"type": "commonjs"}');
const options = ["--rootDir", `${commonjs}/src`, "--outDir", "dist/cjs"];
writeFileSync(`${commonjs}/tsconfig.json`, '{"extends": "../../tsconfig.json", "include": ["src"]}');
execFileSync(process.execPath, [tsc, "-p", commonjs, ...options], { stdio: "inherit" });
writeFileSync("dist/cjs/package.json", '{"type": "commonjs"}\n');
