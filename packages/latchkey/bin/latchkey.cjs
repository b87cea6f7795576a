#!/usr/bin/env node
// The package `@latchkey/server` has a command of the same name. Where both packages are installed,
// the package manager links one of the two, and which one differs between package managers and
// orders of installation. So this command runs that of the server where it is there.
const { createRequire } = require('node:module')
const { dirname, join } = require('node:path')

const server = serverCommand()
if (server === undefined) {
  console.error('latchkey is a library without commands. The auth server has them: npx @latchkey/server serve')
  process.exitCode = 1
} else {
  require(server)
}

/**
 * Returns the file of the server's command, if it is installed beside this package or beside the
 * link that was called. The working directory does not count, because other users may write there.
 */
function serverCommand() {
  for (const file of [__filename, process.argv[1]]) {
    try {
      const manifest = createRequire(file).resolve('@latchkey/server/package.json')
      return join(dirname(manifest), require(manifest).bin.latchkey)
    } catch {
      // It is not installed here.
    }
  }
  return undefined
}
