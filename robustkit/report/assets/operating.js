// The slider over the threshold comes alive when it comes near the window, or when nobody asks for anything else.
(() => {
  const place = document.getElementById("operating-point");
  if (!place || !robustkit.canUnpack) return;
  let asked = null;
  const open = () => { asked ??= robustkit.data("operating").then((data) => robustkitOperating.mount(place, data)); };
  robustkit.whenNear(place, open);
  setTimeout(() => (window.requestIdleCallback || setTimeout)(open), 1500);
})();
