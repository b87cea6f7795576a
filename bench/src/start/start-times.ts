import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { freePort } from '../../../test/support/free-port.js'

const root = fileURLToPath(new URL('../../../../../', import.meta.url))
const pollMs = 5

/** Returns the milliseconds from the start of a command to its first 200 from `/readyz`. */
export async function measureStart(
  [program = '', ...args]: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<number> {
  const port = await freePort()
  const startedAt = performance.now()
  // A process group of its own, because npm starts further processes.
  const child = spawn(program, args, {
    cwd: root,
    env: { ...process.env, ...env, PORT: String(port) },
    stdio: 'ignore',
    detached: true,
  })
  const ended = once(child, 'exit')
  try {
    while (!(await isReady(port))) {
      if (child.exitCode !== null) throw new Error(`${program} exited with ${child.exitCode}.`)
      await sleep(pollMs)
    }
    return performance.now() - startedAt
  } finally {
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGINT')
    await ended
  }
}

/** Returns the milliseconds that a new process takes to import a module. */
export async function measureImport(specifier: string): Promise<number> {
  const url = import.meta.resolve(specifier)
  const script = `const at = performance.now(); await import('${url}'); console.log(performance.now() - at)`
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script])
  let output = ''
  child.stdout.on('data', (text) => (output += String(text)))
  await once(child, 'close')
  return Number(output)
}

async function isReady(port: number): Promise<boolean> {
  const response = await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => undefined)
  await response?.body?.cancel()
  return response?.status === 200
}
