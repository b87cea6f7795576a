import type { ReportedProcess } from '../ops/process-reports.js'

/** Each watcher gets an event every second, and their pages keep those of ten minutes. */
const maxListed = 100

/** A report of another process that is older says nothing about now. */
const maxReportAgeMs = 10_000

/** A feed of a greater age is behind. Others are equal, so that their rows stay in their places. */
const behindMs = 2000

/** Returns whether the report of a process is too old for its rates to count. */
export function isSilent({ seenMsAgo }: Pick<ReportedProcess, 'seenMsAgo'>): boolean {
  return seenMsAgo >= maxReportAgeMs
}

/**
 * Returns at most 100 processes: this one, those that are silent for longest, those that are most
 * behind, and the others in their order.
 */
export function listedProcesses(processes: readonly ReportedProcess[]): readonly ReportedProcess[] {
  return processes.toSorted((one, other) => urgency(other) - urgency(one)).slice(0, maxListed)
}

/** Returns a number that is greater for processes that an operator should see first. */
function urgency(process: ReportedProcess): number {
  const { isCurrent, seenMsAgo, feedAgeMs } = process
  if (isCurrent) return Number.MAX_VALUE
  if (isSilent(process)) return 1e12 + seenMsAgo
  const ageMs = feedAgeMs ?? 1e12
  return ageMs > behindMs ? ageMs : 0
}
