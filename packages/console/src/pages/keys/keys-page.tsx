import { Page } from '../../ui/page.js'

/** The page "Keys". */
export default function KeysPage() {
  return (
    <Page title="Keys">
      <p>Not built yet.</p>
    </Page>
  )
}
