import { Page } from '../../ui/page.js'

/** The page "Overview". */
export default function OverviewPage() {
  return (
    <Page title="Overview">
      <p>Not built yet.</p>
    </Page>
  )
}
