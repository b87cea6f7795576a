import { readFileSync } from 'node:fs'

/** A program of this folder: the package that it shows, and what a guest and a user receive. */
interface Program {
  readonly peer: string
  readonly outcome: () => Promise<unknown>
}

// Each program is loaded by itself, so that one that fails to load hides no other.
for (const name of process.argv.slice(2)) {
  const result = await Promise.race([run(name), timeOut()]).catch((error: unknown) => ({ error: String(error) }))
  console.log(JSON.stringify({ name, ...result }))
}
process.exit()

/** Rejects after a minute, so that a program that waits for ever hides no other either. */
function timeOut(): Promise<never> {
  return new Promise((_, reject) => {
    setTimeout(() => reject(new Error('no outcome within 60 seconds')), 60_000).unref()
  })
}

async function run(name: string): Promise<object> {
  const { peer, outcome } = (await import(`./programs/${name}.js`)) as Program
  const { version } = JSON.parse(readFileSync(`node_modules/${peer}/package.json`, 'utf8'))
  return { version, outcome: await outcome() }
}
