/**
 * `npm run on-node -- <version> <command> [argument ...]`: runs a command on another version of
 * Node. The version is a major such as 24, or any version of the npm package `node`. The package
 * is installed once into `node_modules/.cache/`; delete that folder to get a newer minor version.
 */
import { execFileSync, spawn } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { constants } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const cache = fileURLToPath(new URL('../node_modules/.cache/', import.meta.url))

const [version = '', command, ...args] = process.argv.slice(2)
if (!/^\d+(\.\d+){0,2}$/.test(version) || command === undefined) {
  fail('Usage: npm run on-node -- <version, such as 24> <command> [argument ...]')
}
run(binFolder())

/** Returns the folder with the `node` of this version, which is installed if it is not there. */
function binFolder() {
  if (`${process.versions.node}.`.startsWith(`${version}.`)) return dirname(process.execPath)
  const folder = join(cache, `node-${version}`)
  if (!existsSync(folder)) install(folder)
  return join(folder, 'node_modules/node/bin')
}

/** Installs beside the folder and renames, because another process may install the same version. */
function install(folder) {
  mkdirSync(cache, { recursive: true })
  const temporary = mkdtempSync(join(cache, 'installing-'))
  process.once('exit', () => rmSync(temporary, { recursive: true, force: true }))
  writeFileSync(join(temporary, 'package.json'), '{ "private": true }\n')
  try {
    // The package's own script fetches the program for this platform; npm may be set to run none.
    const flags = ['--prefix', temporary, '--ignore-scripts=false', '--no-audit', '--no-fund', '--loglevel=error']
    execFileSync('npm', ['install', `node@${version}`, ...flags], { cwd: temporary, stdio: 'pipe', encoding: 'utf8' })
    execFileSync(join(temporary, 'node_modules/node/bin/node'), ['--version'])
    // Tests run programs as another user.
    chmodSync(temporary, 0o755)
    renameSync(temporary, folder)
  } catch (error) {
    if (existsSync(folder)) return
    const reason = /ETARGET|E404/.test(error.stderr ?? '')
      ? 'the npm package "node" has no such version.'
      : `npm could not install it: ${(error.stderr || error.message).trim()}`
    fail(`Node ${version} is not available: ${reason}`)
  }
}

/** Runs the command with this `node` first on the PATH, and ends as the command ends. */
function run(folder) {
  const path = `${folder}${delimiter}${process.env.PATH ?? ''}`
  const child = spawn(command, args, { stdio: 'inherit', env: { ...process.env, PATH: path } })
  // A signal of the terminal reaches the child as well, which decides when to end.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.on('error', ({ message }) => fail(`${command} could not be started: ${message}`))
  child.on('close', (code, signal) => process.exit(code ?? 128 + (constants.signals[signal ?? ''] ?? 0)))
}

function fail(message) {
  console.error(message)
  process.exit(1)
}
