import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { requireProgram } from '../../support/installed-program.js'

/** A running nginx. */
export interface NginxProcess {
  /** Ends it and removes what it wrote; gives what it complained of. */
  stop(): Promise<string>
}

/** Starts a real nginx with a configuration whose paths below /tmp become its own, and waits until `url` answers. */
export async function startNginx(configuration: string, url: string): Promise<NginxProcess> {
  requireProgram('nginx', 'nginx-light')
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-nginx-'))
  // Its workers are another user when it is started by root.
  chmodSync(folder, 0o755)
  const path = join(folder, 'nginx.conf')
  writeFileSync(path, configuration.replaceAll(' /tmp/', ` ${folder}/`).replaceAll('/dev/stderr', 'stderr'))
  const child = spawn('nginx', ['-p', folder, '-c', path, '-e', 'stderr', '-g', 'daemon off;'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let complaints = ''
  child.stderr.on('data', (text) => (complaints += String(text)))
  const ended = once(child, 'close')
  const stop = async () => {
    child.kill('SIGQUIT')
    await ended
    rmSync(folder, { recursive: true, force: true })
    return complaints
  }
  const giveUpAt = Date.now() + 10_000
  while (!(await answers(url))) {
    if (child.exitCode !== null || Date.now() > giveUpAt) throw new Error(`nginx does not answer: ${await stop()}`)
    await sleep(25)
  }
  return { stop }
}

function answers(url: string): Promise<boolean> {
  return fetch(url).then(
    () => true,
    () => false,
  )
}
