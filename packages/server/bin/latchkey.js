#!/usr/bin/env node
// CommonJS, see package.json beside it: Node loads modules with the very threads whose number is set here, which cannot be changed once they are there.
const { availableParallelism } = require('node:os')

// They hash passwords: more of them than processors would take turns, and take the event loop's turn as well. No more than Node has by itself, each takes 19 MiB.
process.env.UV_THREADPOOL_SIZE ??= String(Math.min(availableParallelism(), 4))
import('../bundle/main.js').then(({ main }) => main(process))
