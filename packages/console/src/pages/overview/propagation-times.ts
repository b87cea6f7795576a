import { answer, api } from '../../api/client.js'

/** How long all verifiers took to acknowledge changes, in the measurements of ten minutes. */
export interface PropagationTimes {
  /** The verifiers of the last measurement, and those of them that have acknowledged. */
  readonly verifiers: number
  readonly acknowledged: number
  /** Milliseconds; `undefined` without an acknowledgement. */
  readonly p50Ms: number | undefined
  readonly p99Ms: number | undefined
}

const keptMs = 600_000

/** The times of each measurement. They stay while other pages are shown. */
let measured: readonly { readonly atMs: number; readonly timesMs: readonly number[] }[] = []

/** Asks every verifier to acknowledge, and returns the times of the last ten minutes. */
export async function measurePropagation(signal: AbortSignal): Promise<PropagationTimes> {
  const { verifiers, acknowledged, processes } = await answer(api.POST('/v1/admin/propagation', { signal }))
  const atMs = Date.now()
  const timesMs = processes.flatMap(({ acknowledged_ms: ms }) => (ms === null ? [] : [ms]))
  measured = [...measured.filter((one) => one.atMs > atMs - keptMs), { atMs, timesMs }]
  const sorted = measured.flatMap((one) => one.timesMs).toSorted((one, other) => one - other)
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]
  return { verifiers, acknowledged, p50Ms: at(0.5), p99Ms: at(0.99) }
}
