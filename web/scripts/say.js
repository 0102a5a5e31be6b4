// The texts of the scripts, in the language of the page: it brings the words, those that are missing stay English.
const words = JSON.parse(document.body.dataset.words ?? "{}");

/** The text with its values: say("Remove {count}…", { count: 3 }). */
export const say = (english, values = {}) => (words[english] ?? english).replace(/\{(\w+)\}/g, (_, name) => values[name]);
