import { useEffect, useRef, useState } from 'preact/hooks'
import { answer, api } from '../../api/client.js'
import { type ApiProblem, asProblem } from '../../api/problem.js'
import type { operations } from '../../api/schema.js'
import { Badge } from '../../ui/badge.js'
import { Button } from '../../ui/button.js'
import { CopyButton } from '../../ui/copy-button.js'
import { DataTable } from '../../ui/data-table.js'
import { ProblemNotice } from '../../ui/problem-notice.js'
import { Section } from '../../ui/section.js'
import { faultWords } from './audit-words.js'

type Part = operations['verifyAudit']['responses'][200]['content']['application/json']

interface Progress {
  readonly checked: number
  readonly part: Part
  readonly findings: Part['findings']
}

const maxFindings = 100

/** Verifies the whole log, part by part, and shows how far it is. */
export function VerifySection() {
  const [progress, setProgress] = useState<Progress>()
  const [problem, setProblem] = useState<ApiProblem>()
  const controller = useRef<AbortController | undefined>(undefined)
  useEffect(() => () => controller.current?.abort(), [])
  const verify = async () => {
    controller.current?.abort()
    const own = new AbortController()
    controller.current = own
    const { signal } = own
    setProblem(undefined)
    setProgress(undefined)
    try {
      await verifyAll(signal, setProgress)
    } catch (error) {
      if (!signal.aborted) setProblem(asProblem(error))
    }
  }
  return (
    <Section
      title="Integrity"
      actions={
        <>
          <Button onClick={verify}>Verify the chain</Button>
          {progress === undefined || progress.part.done ? null : (
            <Button onClick={() => controller.current?.abort()}>Stop</Button>
          )}
        </>
      }
    >
      <p>
        Checks whether an entry was changed, removed or moved since it was written, by keys that are not in the database
        in plaintext. Nothing is changed; the check itself is recorded.
      </p>
      <ProblemNotice problem={problem} />
      {progress === undefined ? null : <Result progress={progress} />}
    </Section>
  )
}

async function verifyAll(signal: AbortSignal, report: (progress: Progress) => void): Promise<void> {
  let checked = 0
  let findings: Part['findings'] = []
  let part: Part | undefined
  do {
    const body: { after?: Part['last'] } = part === undefined ? {} : { after: part.last }
    part = await answer(api.POST('/v1/admin/audit/verify', { body, signal }))
    checked += part.checked
    findings = [...findings, ...part.findings].slice(0, maxFindings)
    if (signal.aborted) return
    report({ checked, part, findings })
  } while (!part.done)
}

function Result({ progress: { checked, part, findings } }: { readonly progress: Progress }) {
  const { done, last, head } = part
  return (
    <div role="status">
      {done ? null : (
        <p>
          <progress value={last.seq} max={head.seq} aria-label="Verified entries" /> {last.seq} of {head.seq}
        </p>
      )}
      {done && findings.length === 0 ? (
        <p>
          <Badge kind="good">Unchanged</Badge> {checked} entries are in their place, as they were written.
        </p>
      ) : null}
      {findings.length === 0 ? null : (
        <>
          <p>
            <Badge kind="bad">Changed</Badge> Keep the database as it is, and compare it with an earlier export or
            backup. The first broken place is listed first.
          </p>
          <DataTable
            caption="Faults of the audit log"
            columns={[
              { title: 'Place', cell: ({ seq }) => seq ?? 'not linked yet', isNumber: true },
              { title: 'Fault', cell: ({ fault }) => faultWords[fault] ?? fault },
              { title: 'Entry', cell: ({ id }) => id ?? '–' },
            ]}
            rows={findings}
            rowKey={({ fault, seq, id }) => `${fault} ${seq} ${id}`}
            empty={null}
          />
        </>
      )}
      {done ? (
        <p class="hint">
          Newest place: <code>{`${head.seq}:${head.link}`}</code>. Keep it elsewhere: "latchkey audit verify --head"
          then shows whether the log was rolled back. <CopyButton text={`${head.seq}:${head.link}`} label="Copy" />
        </p>
      ) : null}
    </div>
  )
}
