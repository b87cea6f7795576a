import { createLatchkey, isLatchkeyError, type Latchkey, tenantSecrets } from 'latchkey'
import { postgresStore } from 'latchkey/postgres'
import { redisCache } from 'latchkey/redis'
import { audience, issuer } from '../population.js'
import type { Order, Report, VerifierSetup, Work } from './messages.js'

// A process that verifies under load, and reports for one token at a time when it was last
// accepted.

const tickMs = 2
/** Load verifications between two verifications of the watched token. */
const loadPerLook = 10
/** Accepts before the token counts as in use, and refusals before it counts as refused for good. */
const certain = 5

/** Records the verdicts on the watched token. */
class Watch {
  readonly #token: string
  readonly #report: (report: Report) => void
  #accepts = 0
  #refusals = 0
  #lastAcceptAt = 0n
  #firstRefusalAt = 0n

  constructor(token: string, report: (report: Report) => void) {
    this.#token = token
    this.#report = report
  }

  /** Verifies the token once. Returns whether it has been refused often enough. */
  look(latchkey: Latchkey): boolean {
    const beganAt = process.hrtime.bigint()
    try {
      const answer = latchkey.verify(this.#token)
      if (answer instanceof Promise) {
        answer.then(
          () => this.#accepted(beganAt),
          (error: unknown) => this.#refused(beganAt, error),
        )
      } else this.#accepted(beganAt)
    } catch (error) {
      this.#refused(beganAt, error)
    }
    return this.#refusals >= certain
  }

  #accepted(beganAt: bigint): void {
    this.#accepts += 1
    if (beganAt > this.#lastAcceptAt) this.#lastAcceptAt = beganAt
    if (this.#accepts === certain) this.#report({ kind: 'accepting' })
  }

  #refused(beganAt: bigint, error: unknown): void {
    if (!isLatchkeyError(error) || error.code !== 'token_revoked') throw error
    this.#refusals += 1
    if (this.#refusals === 1 || beganAt < this.#firstRefusalAt) this.#firstRefusalAt = beganAt
    if (this.#refusals !== certain) return
    const sighting = { lastAcceptAt: this.#lastAcceptAt, firstRefusalAt: this.#firstRefusalAt }
    this.#report({ kind: 'refused', sighting })
  }
}

/** Verifies continuously, within its share of a core. */
class Verifier {
  readonly #latchkey: Latchkey
  readonly #setup: VerifierSetup
  readonly #tokens: readonly Buffer[]
  #place = 0
  #verifications = 0
  #watch: Watch | undefined
  #stopped = false

  constructor(latchkey: Latchkey, setup: VerifierSetup) {
    this.#latchkey = latchkey
    this.#setup = setup
    this.#tokens = setup.loadTokens.map((token) => Buffer.from(token, 'latin1'))
  }

  get work(): Work {
    const { user, system } = process.cpuUsage()
    return { verifications: this.#verifications, cpuMs: (user + system) / 1000 }
  }

  run(): void {
    if (this.#stopped) return
    const until = performance.now() + tickMs * this.#setup.load
    do this.#verifySome()
    while (performance.now() < until)
    if (this.#setup.load < 1) setTimeout(() => this.run(), tickMs)
    else setImmediate(() => this.run())
  }

  watch(watch: Watch): void {
    this.#watch = watch
  }

  stop(): void {
    this.#stopped = true
  }

  #verifySome(): void {
    for (let count = 0; count < loadPerLook; count += 1) {
      this.#place = (this.#place + 1) % this.#tokens.length
      // A fresh string each time, as from a socket.
      const token = this.#tokens[this.#place]?.toString('latin1') ?? ''
      const answer = this.#latchkey.verify(token)
      if (answer instanceof Promise) answer.catch(fail)
    }
    this.#verifications += loadPerLook
    if (this.#watch?.look(this.#latchkey) === true) this.#watch = undefined
  }
}

async function serve(setup: VerifierSetup): Promise<{ verifier: Verifier; close: () => Promise<void> }> {
  const { databaseUrl, redisUrl, masterKeys } = setup
  const store = postgresStore({ connectionString: databaseUrl })
  const cache = redisUrl === undefined ? undefined : redisCache({ url: redisUrl })
  const keys = tenantSecrets({ store, cache, masterKeys })
  const latchkey = createLatchkey({ issuer, audience, keys })
  await keys.ready()
  const verifier = new Verifier(latchkey, setup)
  const close = async () => {
    verifier.stop()
    await latchkey.close()
    await cache?.close()
    await store.close()
  }
  return { verifier, close }
}

function report(message: Report): void {
  process.send?.(message)
}

function fail(error: unknown): void {
  console.error(error)
  process.exit(1)
}

let serving: ReturnType<typeof serve> | undefined

async function follow(order: Order): Promise<void> {
  if (order.kind === 'setup') {
    serving = serve(order.setup)
    const { verifier } = await serving
    verifier.run()
    report({ kind: 'ready' })
    return
  }
  const served = await serving
  if (served === undefined) throw new Error('The verifier needs a setup message first.')
  if (order.kind === 'watch') {
    served.verifier.watch(new Watch(order.token, report))
    return
  }
  if (order.kind === 'count') {
    report({ kind: 'counted', work: served.verifier.work })
    return
  }
  await served.close()
  process.disconnect()
}

process.on('message', (order: Order) => void follow(order).catch(fail))
process.on('disconnect', () => process.exit())
