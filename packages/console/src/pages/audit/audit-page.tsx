import { CurlButton } from '../../ui/curl-button.js'
import { Page } from '../../ui/page.js'
import { Section } from '../../ui/section.js'
import { useQuery } from '../../ui/use-query.js'
import { auditQueryOf, searchOf } from './audit-filter.js'
import { AuditForm } from './audit-form.js'
import { AuditList } from './audit-list.js'
import { ExportButtons } from './export-buttons.js'
import { VerifySection } from './verify-section.js'

/** The page "Audit log". Its filter is in the URL. */
export default function AuditPage() {
  const { get } = useQuery()
  const query = auditQueryOf(get)
  return (
    <Page
      title="Audit log"
      intro="Who did what, when, and what was refused. Each entry is linked to the one before, so that a change of the log shows."
      actions={<CurlButton method="GET" path={`/v1/admin/audit${searchOf(query)}`} />}
    >
      <Section title="Filter" actions={<ExportButtons query={query} />}>
        <AuditForm key={JSON.stringify(query)} />
      </Section>
      <AuditList query={query} />
      <VerifySection />
    </Page>
  )
}
