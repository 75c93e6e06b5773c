// Answers each line of its input, which is solc's JSON input, with a line of solc's JSON output.
// npm's solc takes as long to start as to compile: started once, it is twice as quick.
// usage: node solc.js FOLDER_OF_NPM_SOLC
"use strict";

const solc = require(process.argv[2]);
const lines = require("node:readline").createInterface({ input: process.stdin });
lines.on("line", (line) => process.stdout.write(`${solc.compile(line)}\n`));
