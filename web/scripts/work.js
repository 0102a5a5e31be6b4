// Something goes on that was set going on another page: how far it is, and that it has ended, is shown above every page.
const look = async () => {
  const answer = await fetch("/work", { headers: { "x-by-itself": "1" } }).catch(() => null);
  if (answer?.redirected) return;
  const page = answer?.ok && new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = page && page.getElementById("works");
  if (fresh) document.getElementById("works")?.replaceWith(document.importNode(fresh, true));
  // What was seen elsewhere meanwhile stands there no more.
  if (page && !fresh) document.getElementById("works")?.remove();
  if (document.querySelector("#works [data-running]")) setTimeout(look, 2000);
};
setTimeout(look, 2000);
