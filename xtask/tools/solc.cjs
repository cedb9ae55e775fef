#!/usr/bin/env node
// Makes the JavaScript build of solc answer the two calls forge makes: `--version` and `--standard-json`.
const fs = require("fs");
const path = require("path");
const here = path.dirname(fs.realpathSync(__filename));
const solc = require(path.join(here, "npm", "node_modules", "solc"));

function write(text) {
  let bytes = Buffer.from(text, "utf8");
  while (bytes.length > 0) {
    try {
      bytes = bytes.subarray(fs.writeSync(1, bytes));
    } catch (error) {
      if (error.code !== "EAGAIN") throw error;
    }
  }
}

const args = process.argv.slice(2);
if (args.includes("--version")) {
  write("solc, the solidity compiler commandline interface\nVersion: " + solc.version().replace(".Emscripten.clang", ".Linux.g++") + "\n");
} else if (args.includes("--standard-json")) {
  write(solc.compile(fs.readFileSync(0, "utf8")));
} else {
  process.stderr.write("solc: only --version and --standard-json are supported\n");
  process.exit(2);
}
