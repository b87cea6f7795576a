import { Page } from '../../ui/page.js'

/** The page "Clients". */
export default function ClientsPage() {
  return (
    <Page title="Clients">
      <p>Not built yet.</p>
    </Page>
  )
}
