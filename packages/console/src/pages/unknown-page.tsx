import { consolePath } from '../base.js'
import { Page } from '../ui/page.js'

/** The answer to an address without a page. */
export function UnknownPage() {
  return (
    <Page title="No such page">
      <p>
        The console has no page at this address. <a href={consolePath}>Go to the overview.</a>
      </p>
    </Page>
  )
}
