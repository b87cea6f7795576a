import { useState } from 'preact/hooks'
import { answer, api } from '../../api/client.js'
import { type ApiProblem, asProblem } from '../../api/problem.js'
import { base } from '../../base.js'
import { Button } from '../../ui/button.js'
import { ProblemNotice } from '../../ui/problem-notice.js'
import { searchOf } from './audit-filter.js'
import type { AuditQuery } from './audit-words.js'

/** Saves the entries that match the filter. The browser streams them to a file. */
export function ExportButtons({ query }: { readonly query: AuditQuery }) {
  const [problem, setProblem] = useState<ApiProblem>()
  const { cursor: _cursor, limit: _limit, ...filter } = query
  const save = async (format: 'csv' | 'ndjson') => {
    setProblem(undefined)
    try {
      // A download cannot renew an expired token, and cannot show what is wrong with the filter.
      await answer(api.GET('/v1/admin/audit', { params: { query: { ...filter, limit: 1 } } }))
    } catch (error) {
      setProblem(asProblem(error))
      return
    }
    const link = document.createElement('a')
    link.href = `${base}/v1/admin/audit/export${searchOf(filter, { format })}`
    link.download = `latchkey-audit.${format}`
    link.click()
  }
  return (
    <>
      <Button onClick={() => save('csv')}>Export as CSV</Button>
      <Button onClick={() => save('ndjson')}>Export as JSON lines</Button>
      <ProblemNotice problem={problem} />
    </>
  )
}
