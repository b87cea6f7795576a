import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { headersWith, portOf, served } from '../served.js'

export const peer = 'next'

/** Runs the application of `next-app` in the development mode of Next.js. */
export async function outcome(): Promise<unknown[]> {
  const port = await freePort()
  const args = ['node_modules/next/dist/bin/next', 'dev', 'next-app', '-p', String(port), '-H', '127.0.0.1']
  // A group of its own, because Next.js starts further processes.
  const server = spawn(process.execPath, args, { stdio: 'ignore', detached: true })
  try {
    return await ask(`http://127.0.0.1:${port}`, server)
  } finally {
    if (server.pid !== undefined) process.kill(-server.pid)
    await once(server, 'exit')
  }
}

async function ask(origin: string, server: ChildProcess): Promise<unknown[]> {
  await untilReachable(origin, server)
  const route = async (token?: string) => (await fetch(`${origin}/me`, { headers: headersWith(token) })).status
  const page = async (token: string) => {
    const text = await (await fetch(`${origin}/account`, { headers: headersWith(token) })).text()
    return /account of \w+/.exec(text)?.[0]
  }
  const answer = await fetch(`${origin}/me`, { method: 'POST' })
  const { token } = (await answer.json()) as { token: string }
  const outcome = [await route(), await route(token), await page(token)]
  await fetch(`${origin}/me`, { method: 'DELETE' })
  return [...outcome, await route(token)]
}

async function untilReachable(origin: string, server: ChildProcess): Promise<void> {
  while (server.exitCode === null) {
    if (await fetch(origin).then(Boolean, () => false)) return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error(`Next.js exited with ${server.exitCode}.`)
}

async function freePort(): Promise<number> {
  const server = createServer()
  const { close } = await served(server)
  const port = portOf(server)
  await close()
  return port
}
