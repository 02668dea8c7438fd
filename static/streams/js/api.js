// The page to try the API: Swagger UI, whose requests carry what a page's own do.

const place = document.getElementById("streams-api");
const token = () => document.getElementsByName("csrfmiddlewaretoken")[0].value;

function asOurs(request) {
  const headers = { ...request.headers };
  if (!headers.Accept && !headers.accept) headers.Accept = "application/json";
  if (headers.accept === "*/*") headers.accept = "application/json";
  headers["X-CSRFToken"] = token();
  return Object.assign(request, { headers });
}

// Swagger UI has a dark look, and leaves it to the page when.
const dark = matchMedia("(prefers-color-scheme: dark)");
const look = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", look);
look();

window.SwaggerUIBundle({
  url: place.dataset.description,
  domNode: place,
  deepLinking: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  validatorUrl: null,
  requestInterceptor: asOurs,
});
