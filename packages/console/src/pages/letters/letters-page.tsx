import { Page } from '../../ui/page.js'

/** The page "Letters". */
export default function LettersPage() {
  return (
    <Page title="Letters">
      <p>Not built yet.</p>
    </Page>
  )
}
