#!/usr/bin/env node
// CommonJS (see package.json in this folder), because Node.js loads ES modules with the thread
// pool, whose size cannot change after its first use.
const { availableParallelism } = require('node:os')

// The threads hash passwords: more threads than processors would slow down the event loop. At most
// four, the default of Node.js, because each hash takes 19 MiB.
process.env.UV_THREADPOOL_SIZE ??= String(Math.min(availableParallelism(), 4))
import('../bundle/main.js').then(({ main }) => main(process))
