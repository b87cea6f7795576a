import type { ComponentChildren } from 'preact'
import { useState } from 'preact/hooks'
import type { paths } from '../../api/schema.js'
import { useAnswer } from '../../api/use-answer.js'
import { Button } from '../../ui/button.js'
import { Dialog } from '../../ui/dialog.js'
import { Propagation } from '../../ui/propagation.js'
import { durationText } from '../../ui/time.js'
import { countIn } from './count-in.js'
import type { LiveState } from './live-feed.js'
import { measurePropagation, type PropagationTimes } from './propagation-times.js'

/** The answer of GET /v1/admin/stats. */
export type Stats = paths['/v1/admin/stats']['get']['responses']['200']['content']['application/json']

interface TilesProps {
  readonly history: readonly LiveState[]
  readonly stats: Stats | undefined
}

const number = new Intl.NumberFormat(undefined, { maximumFractionDigits: 1 })

/** The most important numbers. */
export function Tiles({ history, stats }: TilesProps) {
  const latest = history.at(-1)
  const rates = latest?.rates
  const accepted = rates && rates.verifications_memory + rates.verifications_read
  return (
    <dl class="tiles">
      <Tile title="Verifications" value={rates && `${number.format(accepted ?? 0)}/s`}>
        {rates === undefined ? null : memoryShare(rates.verifications_memory, accepted ?? 0)}
      </Tile>
      <Tile title="Requests" value={rates && `${number.format(rates.requests)}/s`}>
        {rates === undefined ? null : `${number.format(rates.requests_failed)}/s failed`}
      </Tile>
      <Tile title="Sign-ins, 10 minutes" value={latest && number.format(countIn(history, 'sign_ins'))}>
        {latest === undefined ? null : `${number.format(countIn(history, 'sign_ins_refused'))} refused`}
      </Tile>
      <Tile title="Active sessions" value={stats && number.format(stats.living_sessions)}>
        {stats === undefined ? null : `${number.format(stats.accounts.total)} accounts`}
      </Tile>
      <Tile title="Server processes" value={latest && number.format(latest.process_count)}>
        {latest === undefined ? null : `verifiers, with applications: ${latest.verifiers ?? '…'}`}
      </Tile>
      <PropagationTile />
    </dl>
  )
}

const measureEveryMs = 60_000

/** How soon a revocation reaches all verifiers, measured every minute while the page is open. */
function PropagationTile() {
  const { data, reload } = useAnswer('propagation times', measurePropagation, { everyMs: measureEveryMs })
  const [isAsking, setAsking] = useState(false)
  const close = () => {
    setAsking(false)
    void reload()
  }
  return (
    <Tile title="A change reaches 99 % of the verifiers in" value={timeText(data?.p99Ms)}>
      {data === undefined ? null : propagationText(data)}
      <Button onClick={() => setAsking(true)}>Measure now</Button>
      {isAsking ? (
        <Dialog title="Propagation" onClose={close}>
          <p>
            Every verifier is asked to acknowledge the changes so far. A revocation takes the same way, and as long.
          </p>
          <Propagation />
        </Dialog>
      ) : null}
    </Tile>
  )
}

function propagationText({ verifiers, acknowledged, p50Ms }: PropagationTimes): string {
  return `half of them in ${timeText(p50Ms) ?? '–'}; ${acknowledged} of ${verifiers} have acknowledged. `
}

function timeText(ms: number | undefined): string | undefined {
  return ms === undefined ? undefined : durationText(ms)
}

interface TileProps {
  readonly title: string
  readonly value: string | undefined
  readonly children?: ComponentChildren
}

function Tile({ title, value, children }: TileProps) {
  return (
    <div class="card tile">
      <dt>{title}</dt>
      <dd class="value">{value ?? '–'}</dd>
      <dd class="hint">{children}</dd>
    </div>
  )
}

function memoryShare(fromMemory: number, accepted: number): string {
  return accepted === 0 ? 'none now' : `${Math.round((fromMemory / accepted) * 100)} % from memory`
}
