/**
 * `npm start`: compiles the server if anything has changed since that was last done, and runs it in this process. Asking the compiler whether there is
 * anything to do would take longer than the server takes to be ready. CommonJS, as the command is.
 */
const { execFileSync } = require('node:child_process')
const { existsSync, readdirSync, statSync, utimesSync, writeFileSync } = require('node:fs')
const { join } = require('node:path')

const root = join(__dirname, '..')
/** Its time is that of the state which was compiled last, without an error. */
const stamp = join(root, 'packages/server/dist/.compiled')
const made = [stamp, join(root, 'packages/server/dist/cli/main.js'), join(root, 'packages/latchkey/bundle/index.js')]

if (!made.every(existsSync) || newestSourceMs() > statSync(stamp).mtimeMs) compile()
require('../packages/server/bin/latchkey.js')

function compile() {
  const begun = new Date()
  const run = (file, ...args) => execFileSync(process.execPath, [file, ...args], { cwd: root, stdio: 'inherit' })
  try {
    run(require.resolve('typescript/bin/tsc'), '-b', 'packages/server')
    run('packages/latchkey/scripts/bundle.mjs')
  } catch ({ status }) {
    // They have said themselves what is wrong.
    process.exit(status ?? 1)
  }
  writeFileSync(stamp, '')
  utimesSync(stamp, begun, begun)
}

/** Folders count as well: from them one sees what was deleted. */
function newestSourceMs() {
  const files = ['package-lock.json', 'tsconfig.base.json']
  for (const folder of ['packages/latchkey', 'packages/server']) {
    const inside = readdirSync(join(root, folder, 'src'), { recursive: true }).map((path) => join('src', path))
    for (const path of ['package.json', 'tsconfig.json', 'src', ...inside]) files.push(join(folder, path))
  }
  return Math.max(...files.map((file) => statSync(join(root, file)).mtimeMs))
}
