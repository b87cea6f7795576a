import { Page } from '../../ui/page.js'

/** The page "User". */
export default function UserPage() {
  return (
    <Page title="User">
      <p>Not built yet.</p>
    </Page>
  )
}
