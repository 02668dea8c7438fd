from django.contrib import admin
from django.contrib.auth.views import LoginView
from django.http import JsonResponse
from django.urls import include, path


def preferences(request):
    return JsonResponse(request.user.preferences)


urlpatterns = [
    path("accounts/login/", LoginView.as_view(template_name="admin/login.html")),
    path("preferences/", preferences),
    path("admin/", admin.site.urls),
    path("", include("streams.urls")),
]
