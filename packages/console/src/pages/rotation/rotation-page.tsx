import { Page } from '../../ui/page.js'

/** The page "Rotation". */
export default function RotationPage() {
  return (
    <Page title="Rotation">
      <p>Not built yet.</p>
    </Page>
  )
}
