import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { requireProgram } from '../../support/installed-program.js'

/** A running nginx. */
export interface NginxProcess {
  /** Loads another configuration; resolves when no worker uses the old one any more. */
  reload(configuration: string): Promise<void>
  /** Stops nginx and removes its files; returns its errors. */
  stop(): Promise<string>
}

/**
 * Starts a real nginx with a configuration, whose paths below /tmp are replaced by a private
 * folder, and waits until `url` answers.
 */
export async function startNginx(configuration: string, url: string): Promise<NginxProcess> {
  requireProgram('nginx', 'nginx-light')
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-nginx-'))
  // The workers run as another user when root starts nginx.
  chmodSync(folder, 0o755)
  const path = join(folder, 'nginx.conf')
  const write = (text: string) =>
    writeFileSync(path, text.replaceAll(' /tmp/', ` ${folder}/`).replaceAll('/dev/stderr', 'stderr'))
  write(configuration)
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
  const reload = async (text: string) => {
    write(text)
    const before = childrenOf(child.pid)
    child.kill('SIGHUP')
    while (childrenOf(child.pid).some((pid) => before.includes(pid))) await sleep(25)
  }
  const giveUpAt = Date.now() + 10_000
  while (!(await answers(url))) {
    if (child.exitCode !== null || Date.now() > giveUpAt) throw new Error(`nginx does not answer: ${await stop()}`)
    await sleep(25)
  }
  return { reload, stop }
}

function childrenOf(pid: number | undefined): readonly string[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')
}

function answers(url: string): Promise<boolean> {
  return fetch(url).then(
    () => true,
    () => false,
  )
}
