import { Page } from '../../ui/page.js'

/** The page "Audit log". */
export default function AuditPage() {
  return (
    <Page title="Audit log">
      <p>Not built yet.</p>
    </Page>
  )
}
