import { randomUUID } from 'node:crypto'
import { availableParallelism } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Latchkey, TenantSecrets } from 'latchkey'
import { watchMachineLoad } from '../machine-load.js'
import type { Sighting, VerifierSetup, Work } from './messages.js'
import { VerifierProcess } from './verifier-process.js'

/** The instance that revokes, in another process than the verifiers. */
export interface Writer {
  readonly latchkey: Latchkey
  readonly keys: TenantSecrets
}

/** Options of `measureRevocations`. */
export interface RevocationOptions {
  readonly setup: VerifierSetup
  readonly processes: number
  readonly revocations: number
}

/**
 * The results. Each revocation counts with the latest of all processes, in milliseconds after the
 * acknowledgement; an event before it counts as 0.
 */
export interface RevocationRun {
  readonly lastAcceptMs: readonly number[]
  readonly firstRefusalMs: readonly number[]
  /** The busy share of the machine during the run, 0 to 1. */
  readonly machineBusy: number
  /** The share of the verifiers alone. The rest is the database, the writer and other processes. */
  readonly verifiersBusy: number
  readonly verificationsPerSecond: number
}

/** The longest random pause before a revocation, so that it falls anywhere between two ticks. */
const longestPauseMs = 10
/** Revocations before the measurement, because code that runs for the first time is slower. */
const warmUpRevocations = 10

interface Revocation {
  readonly acknowledgedAt: bigint
  readonly sightings: readonly Sighting[]
}

/**
 * Starts the verifiers, then revokes one tenant after another while all of them verify its token.
 */
export async function measureRevocations(writer: Writer, options: RevocationOptions): Promise<RevocationRun> {
  const { setup, processes, revocations } = options
  const verifiers = await Promise.all(Array.from({ length: processes }, () => VerifierProcess.start(setup)))
  for (let count = 0; count < warmUpRevocations; count += 1) await revokeOnce(writer, verifiers)
  const before = await workOf(verifiers)
  const machineLoad = watchMachineLoad()
  const startedAt = performance.now()
  const measured: Revocation[] = []
  for (let count = 0; count < revocations; count += 1) measured.push(await revokeOnce(writer, verifiers))
  const machineBusy = machineLoad()
  const elapsedMs = performance.now() - startedAt
  const after = await workOf(verifiers)
  await Promise.all(verifiers.map((verifier) => verifier.stop()))
  return {
    lastAcceptMs: measured.map((revocation) => latestMs(revocation, (sighting) => sighting.lastAcceptAt)),
    firstRefusalMs: measured.map((revocation) => latestMs(revocation, (sighting) => sighting.firstRefusalAt)),
    machineBusy,
    verifiersBusy: (after.cpuMs - before.cpuMs) / (elapsedMs * availableParallelism()),
    verificationsPerSecond: ((after.verifications - before.verifications) / elapsedMs) * 1000,
  }
}

async function workOf(verifiers: readonly VerifierProcess[]): Promise<Work> {
  const works = await Promise.all(verifiers.map((verifier) => verifier.work()))
  const sum = (figure: (work: Work) => number) => works.reduce((total, work) => total + figure(work), 0)
  return { verifications: sum((work) => work.verifications), cpuMs: sum((work) => work.cpuMs) }
}

async function revokeOnce({ latchkey, keys }: Writer, verifiers: readonly VerifierProcess[]): Promise<Revocation> {
  const tenant = randomUUID()
  const { token } = await latchkey.issue({ subject: tenant })
  await Promise.all(verifiers.map((verifier) => verifier.watch(token)))
  await sleep(Math.random() * longestPauseMs)
  const seen = Promise.all(verifiers.map((verifier) => verifier.sighting()))
  await keys.revoke(tenant)
  const acknowledgedAt = process.hrtime.bigint()
  return { acknowledgedAt, sightings: await seen }
}

function latestMs({ acknowledgedAt, sightings }: Revocation, momentOf: (sighting: Sighting) => bigint): number {
  return Math.max(0, ...sightings.map((sighting) => Number(momentOf(sighting) - acknowledgedAt) / 1e6))
}
