import type { FunctionComponent } from 'preact'
import { lazy } from 'preact-iso'
import { Button } from './ui/button.js'
import { Page } from './ui/page.js'

interface PageModule {
  readonly default: FunctionComponent
}

/** Returns a page that is loaded when it is first opened. */
export function lazyPage(load: () => Promise<PageModule>): FunctionComponent {
  return lazy(() => load().catch((): PageModule => ({ default: NotLoadedPage })))
}

/** A server with another version does not have the files of the version that is open. */
function NotLoadedPage() {
  return (
    <Page title="This page could not be loaded">
      <p>
        The server has a new version of the console, or it did not answer. Reload to get the version that it has now.
      </p>
      <p>
        <Button kind="primary" onClick={() => location.reload()}>
          Reload
        </Button>
      </p>
    </Page>
  )
}
