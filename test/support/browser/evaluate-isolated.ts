import type { Page } from 'playwright-core'

/**
 * Evaluates an expression in an isolated world of the page, and returns its value. The expression
 * sees the document, but neither the variables nor the changed built-ins of the scripts of the
 * page, and the policy of the page does not apply to it. It also runs in a page without scripts.
 */
export async function evaluateIsolated(page: Page, expression: string, hasScripts = true): Promise<unknown> {
  const session = await page.context().newCDPSession(page)
  try {
    const { frameTree } = await session.send('Page.getFrameTree')
    const { executionContextId: contextId } = await session.send('Page.createIsolatedWorld', {
      frameId: frameTree.frame.id,
      worldName: 'tests',
    })
    // Promises and timers of the expression need scripts; those of the page have been skipped.
    if (!hasScripts) await session.send('Emulation.setScriptExecutionDisabled', { value: false })
    const { result, exceptionDetails } = await session.send('Runtime.evaluate', {
      expression,
      contextId,
      awaitPromise: true,
      returnByValue: true,
    })
    if (!hasScripts) await session.send('Emulation.setScriptExecutionDisabled', { value: true })
    if (exceptionDetails !== undefined)
      throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text)
    return result.value
  } finally {
    await session.detach()
  }
}
