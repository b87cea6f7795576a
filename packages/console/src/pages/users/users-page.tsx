import { Page } from '../../ui/page.js'

/** The page "Users". */
export default function UsersPage() {
  return (
    <Page title="Users">
      <p>Not built yet.</p>
    </Page>
  )
}
