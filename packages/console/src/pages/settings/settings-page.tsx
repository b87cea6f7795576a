import { Page } from '../../ui/page.js'

/** The page "Settings". */
export default function SettingsPage() {
  return (
    <Page title="Settings">
      <p>Not built yet.</p>
    </Page>
  )
}
