/**
 * `npm start` and `npm run demo`: compiles the server and the console if a source is newer than the
 * last build, and runs the command in this process. An incremental build that finds no change would
 * take longer than the start of the server. CommonJS, like the command.
 */
const { execFileSync } = require('node:child_process')
const { existsSync, readdirSync, statSync, utimesSync, writeFileSync } = require('node:fs')
const { join } = require('node:path')

const root = join(__dirname, '..')
/** Its modification time is the start of the last build without an error. */
const stamp = join(root, 'packages/server/dist/.compiled')
const made = [
  stamp,
  join(root, 'packages/server/bundle/main.js'),
  join(root, 'packages/latchkey/bundle/index.js'),
  join(root, 'packages/server/data/console/index.html'),
]

if (!made.every(existsSync) || newestSourceMs() > statSync(stamp).mtimeMs) compile()
require('../packages/server/bin/latchkey.js')

function compile() {
  const begun = new Date()
  const run = (file, ...args) => execFileSync(process.execPath, [file, ...args], { cwd: root, stdio: 'inherit' })
  try {
    run(require.resolve('typescript/bin/tsc'), '-b', 'packages/server')
    run('scripts/bundle.mjs')
    run('node_modules/vite/bin/vite.js', 'build', 'packages/console', '--logLevel', 'warn')
  } catch ({ status }) {
    // The compiler or the bundler has printed the error.
    process.exit(status ?? 1)
  }
  writeFileSync(stamp, '')
  utimesSync(stamp, begun, begun)
}

/** Includes folders, whose modification time shows that a file was deleted. */
function newestSourceMs() {
  const files = ['package-lock.json', 'tsconfig.base.json']
  for (const folder of ['packages/latchkey', 'packages/server', 'packages/console']) {
    const inside = readdirSync(join(root, folder, 'src'), { recursive: true }).map((path) => join('src', path))
    for (const path of ['package.json', 'tsconfig.json', 'src', ...inside]) files.push(join(folder, path))
  }
  return Math.max(...files.map((file) => statSync(join(root, file)).mtimeMs))
}
