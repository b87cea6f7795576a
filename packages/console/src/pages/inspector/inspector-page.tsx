import { Page } from '../../ui/page.js'

/** The page "Token inspector". */
export default function InspectorPage() {
  return (
    <Page title="Token inspector">
      <p>Not built yet.</p>
    </Page>
  )
}
