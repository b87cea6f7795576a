import { Page } from '../../ui/page.js'

/** The page "Incident". */
export default function IncidentPage() {
  return (
    <Page title="Incident">
      <p>Not built yet.</p>
    </Page>
  )
}
