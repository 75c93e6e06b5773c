#!/usr/bin/env node
// Makes npm's solc answer like the native compiler, for py-solc-x (and forge): --version and --standard-json only.
// usage: node solc.js FOLDER_OF_NPM_SOLC (--version | --standard-json)
"use strict";

const fs = require("node:fs");

const [folder, ...options] = process.argv.slice(2);
if (folder === undefined || !options.some((option) => option === "--version" || option === "--standard-json")) {
  process.stderr.write("usage: solc.js FOLDER_OF_NPM_SOLC (--version | --standard-json)\n");
  process.exit(2);
}

const solc = require(folder);
if (options.includes("--version")) {
  process.stdout.write(`solc, the solidity compiler commandline interface\nVersion: ${solc.version()}\n`);
} else {
  // Sources come whole, inside the input: nothing is read from disk here, so that a build cannot depend on this machine.
  process.stdout.write(`${solc.compile(fs.readFileSync(0, "utf8"))}\n`);
}
